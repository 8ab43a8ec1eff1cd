"""An extension of the Jupyter server: the explorer's kernel starts and imports with the server, while the browser still loads the page."""

from jupyter_core.utils import ensure_async
from jupyter_server.serverapp import ServerApp

PAGE = "explore.ipynb"
IMPORTED = "import zfutils.widgets.explorer"
_PATIENCE = 60  # seconds until a kernel that does not answer is left alone


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": __name__}]


def _load_jupyter_server_extension(server: ServerApp) -> None:
    server.io_loop.add_callback(_start, server)


async def _start(server: ServerApp) -> None:
    """Open the session that JupyterLab will find when it shows the page; without it JupyterLab opens its own, later."""
    try:
        session = await ensure_async(server.session_manager.create_session(path=PAGE, name=PAGE, type="notebook", kernel_name="python3"))
        client = server.kernel_manager.get_kernel(session["kernel"]["id"]).client()
        client.start_channels()
        try:
            await client.wait_for_ready(timeout=_PATIENCE)
            client.execute(IMPORTED, silent=True, store_history=False)
        finally:
            client.stop_channels()
    except Exception as error:  # the page is shown all the same
        server.log.warning(f"the explorer's kernel was not started beforehand: {error}")
