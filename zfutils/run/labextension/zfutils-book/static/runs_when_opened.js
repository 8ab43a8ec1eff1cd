// A prebuilt extension of JupyterLab: the explorer's cells run when its page is opened, so that nobody has to find *Run All* first.
// It is so small that it needs no build step: what a bundler would write, a container with `init` and `get`, is written out below.

const PAGE = "explore.ipynb";
const WIDGET = "application/vnd.jupyter.widget-view+json";

const PATIENCE = 20; // seconds until a page whose manager of widgets is not found, or not ready, is run all the same

const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, 1000 * seconds));

// The page's manager of widgets, which its renderers get some time after the page is opened. There is no public way to it.
async function managerOf(panel) {
  for (let waited = 0; waited < PATIENCE; waited += 0.1) {
    const renderer = panel.content.rendermime.createRenderer(WIDGET);
    const manager = await Promise.race([renderer._manager?.promise, pause(0.1)]);
    renderer.dispose();
    if (manager) return manager;
  }
}

// Resolves when the page takes widgets: what a kernel sends while the manager still asks it for older ones is lost.
async function takesWidgets(panel) {
  const manager = await managerOf(panel);
  const restored = new Promise((resolve) => manager?.restored.connect(resolve));
  if (manager && !manager.restoredStatus) await Promise.race([restored, pause(PATIENCE)]);
}

// Whether nothing of the page was run yet; what was run before stays as it is.
function isFresh(panel) {
  return [...panel.context.model.cells].every((cell) => cell.type !== "code" || cell.executionCount === null);
}

const plugin = {
  id: "zfutils-book:runs-when-opened",
  description: "Runs the cells of the explorer when it is opened.",
  autoStart: true,
  activate: (app) => {
    const begun = new WeakSet(); // panels: one that was closed and opened again is another
    const begin = async (panel) => {
      if (panel?.context?.path !== PAGE || begun.has(panel)) return;
      begun.add(panel);
      await panel.context.ready;
      await panel.sessionContext.ready;
      await takesWidgets(panel);
      if (app.shell.currentWidget !== panel) begun.delete(panel); // the command takes the page that is looked at; this one has its turn later
      else if (isFresh(panel)) await app.commands.execute("notebook:run-all-cells");
    };
    app.restored.then(() => {
      app.shell.currentChanged.connect((_, change) => begin(change.newValue));
      begin(app.shell.currentWidget);
    });
  },
};

(window._JUPYTERLAB ??= {})["zfutils-book"] = {
  init: () => {}, // it takes no module of JupyterLab's
  get: async () => () => ({ __esModule: true, default: plugin }),
};
