"""The execution of one notebook in a fresh kernel; loads no torch, which the kernel loads anyway."""

from pathlib import Path

import nbformat
import papermill
from nbclient.exceptions import DeadKernelError
from papermill.engines import NBClientEngine, NotebookExecutionManager, papermill_engines
from papermill.exceptions import PapermillExecutionError

from zfutils.core import paths
from zfutils.core.errors import Problem


class _SavedOnce(NBClientEngine):
    """papermill's engine, but for its writing the whole copy anew before and after every cell: with large pictures that is seconds."""

    @classmethod
    def execute_managed_notebook(cls, nb_man: NotebookExecutionManager, *arguments, **options) -> None:
        """Execute with nowhere to save to; papermill itself saves when this is over, also where it fails."""
        output, nb_man.output_path = nb_man.output_path, None
        try:
            super().execute_managed_notebook(nb_man, *arguments, **options)
        finally:
            nb_man.output_path = output


_ENGINE = "saved-once"
# Else a kernel warns that it talks to this process, on this machine, without encryption, and tells that it is interrupted at its end.
_QUIET = ["--IPKernelApp.log_level=CRITICAL"]
papermill_engines.register(_ENGINE, _SavedOnce)


def run_chapter(notebook: Path, *, output: Path, parameters: dict) -> None:
    """Run one notebook in a fresh kernel.

    Args:
        notebook: the file.
        output: the executed copy; after an error it lies beside, as `<name>.failed.ipynb`.
        parameters: values for the cell tagged `parameters`.

    Raises:
        Problem: an unknown parameter, or a cell that failed; chapter, cell and error are named.
    """
    check_parameters(notebook, parameters)
    broken = output.with_suffix(".failed.ipynb")
    try:
        with paths.whole(output) as fresh:
            try:
                papermill.execute_notebook(
                    notebook,
                    fresh,
                    parameters,
                    engine_name=_ENGINE,
                    kernel_name="python3",
                    progress_bar=False,
                    cwd=notebook.parent,
                    extra_arguments=_QUIET,
                )
            except DeadKernelError:
                broken.write_bytes(fresh.read_bytes())
                died = f"chapter {notebook.stem}: its kernel died (killed, or out of memory)"
                raise Problem(f"{died}; run it again with JOBS=1; the executed copy is {broken}") from None
            except PapermillExecutionError as error:
                broken.write_text(_without_banner(fresh), encoding="utf-8")
                line = (error.source.strip().splitlines() or [""])[0]
                said = f"{error.ename}: {error.evalue}".splitlines()[0]
                raise Problem(
                    f"chapter {notebook.stem} failed in cell {_number(broken, error)} ('{line}'): {said}; the executed copy is {broken}"
                ) from None
    finally:
        if output.exists() and broken.exists() and output.stat().st_mtime > broken.stat().st_mtime:
            broken.unlink()


def check_parameters(notebook: Path, parameters: dict) -> None:
    """Refuse parameters that the notebook does not have; papermill only warns.

    Raises:
        Problem: unknown parameters; the message lists those of the notebook.
    """
    known = papermill.inspect_notebook(notebook)
    for name in parameters:
        if name not in known:
            raise Problem(f"{notebook.stem} has no parameter {name!r}; its cell tagged 'parameters' has: {', '.join(known) or 'none'}")


def _without_banner(executed: Path) -> str:
    """An executed copy without the cells that papermill adds above a failed one."""
    notebook = nbformat.read(executed, as_version=4)
    notebook.cells = [cell for cell in notebook.cells if "papermill-error-cell-tag" not in cell["metadata"].get("tags", [])]
    return nbformat.writes(notebook)


def _number(executed: Path, error: PapermillExecutionError) -> int:
    """Which cell failed, counted from 1 as one sees them."""
    cells = nbformat.read(executed, as_version=4).cells
    return next((number for number, cell in enumerate(cells, 1) if cell["source"] == error.source), error.cell_index + 1)
