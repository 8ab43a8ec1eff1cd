// Questions to the worker. A question that a newer one of its kind overtook is answered with null.
export class Asker {
  constructor(address) {
    this.worker = new Worker(address, { type: "module" });
    this.open = new Map();
    this.last = 0;
    this.worker.onmessage = ({ data }) => this.hear(data);
    this.worker.onerror = (event) => {
      for (const { fail } of this.open.values()) fail(new Error(event.message || "the worker could not be started"));
      this.open.clear();
    };
  }

  ask(kind, given, told = () => {}) {
    const id = ++this.last;
    return new Promise((done, fail) => {
      this.open.set(id, { done, fail, told });
      this.worker.postMessage({ kind, id, ...given });
    });
  }

  cancel() {
    this.worker.postMessage({ kind: "cancel" });
  }

  hear({ id, answer, stale, error, ...between }) {
    const question = this.open.get(id);
    if (!question) return;
    if (answer === undefined && !stale && error === undefined) return question.told(between);
    this.open.delete(id);
    if (error !== undefined) question.fail(new Error(error));
    else question.done(stale ? null : answer);
  }
}
