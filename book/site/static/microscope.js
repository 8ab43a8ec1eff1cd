// Filters and order of the units on a page of the microscope. Without it the page is the plain grid, and a unit's address opens it all the same.
const page = document.querySelector(".microscope");
if (page) start(page);

function start(page) {
  const form = page.querySelector(".filters");
  const list = page.querySelector(".units");
  const units = [...list.children];
  const told = page.querySelector(".counted");

  const fits = (unit, wanted) =>
    (!wanted.class || unit.dataset.class === wanted.class) &&
    (!wanted.part || unit.dataset.part === wanted.part) &&
    (!wanted.alive || unit.dataset.alive === wanted.alive) &&
    Number(unit.dataset.most) >= Number(wanted.purity ?? 0);

  // Large numbers first, but for the unit's own number and the epoch; what is not known comes last.
  const key = (unit, by) => {
    const value = unit.dataset[by];
    if (value === "") return Infinity;
    return by === "number" || by === "settled" ? Number(value) : -Number(value);
  };

  function show() {
    const wanted = Object.fromEntries(new FormData(form));
    units.sort((a, b) => key(a, wanted.sort) - key(b, wanted.sort) || a.dataset.number - b.dataset.number);
    list.append(...units);
    for (const unit of units) unit.hidden = !fits(unit, wanted);
    const shown = units.filter((unit) => !unit.hidden);
    told.textContent = `${shown.length} of ${units.length} units`;
    chain(shown);
    remember(wanted);
  }

  // The links from one opened unit to the next follow what is shown.
  function chain(shown) {
    shown.forEach((unit, place) => {
      lead(unit, "before", shown[place - 1]);
      lead(unit, "after", shown[place + 1]);
    });
  }

  function lead(unit, which, other) {
    let link = unit.querySelector(`.${which}`);
    if (!link) {
      link = document.createElement("a");
      link.className = which;
      unit.querySelector(".steps").append(" ", link);
    }
    link.hidden = !other;
    if (!other) return;
    link.href = `#${other.id}`;
    link.textContent = `unit ${other.dataset.number}`;
  }

  // The address holds the filters, so that it can be sent.
  function remember(wanted) {
    const query = new URLSearchParams(Object.entries(wanted).filter(([name, value]) => value && !(name === "sort" && value === "number") && value !== "0"));
    history.replaceState(null, "", `${location.pathname}${query.size ? `?${query}` : ""}${location.hash}`);
  }

  function recall() {
    for (const [name, value] of new URLSearchParams(location.search)) {
      const field = form.elements[name];
      if (field && [...field.options].some((option) => option.value === value)) field.value = value;
    }
  }

  // A unit that somebody was sent to is shown whatever the filters say.
  function open() {
    const unit = document.getElementById(location.hash.slice(1));
    if (!unit?.classList.contains("unit")) return;
    unit.hidden = false;
    unit.querySelector(".open").focus({ preventScroll: true });
    unit.scrollIntoView({ block: "start" });
  }

  function key_pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("select, input")) return;
    const opened = list.querySelector(":target");
    const link = { ArrowLeft: ".before", ArrowRight: ".after", Escape: ".close" }[event.key];
    if (!opened || !link) return;
    const found = opened.querySelector(link);
    if (!found || found.hidden) return;
    event.preventDefault();
    found.click();
    if (event.key === "Escape") opened.querySelector(".open").focus();
  }

  form.hidden = false;
  recall();
  form.addEventListener("change", show);
  form.addEventListener("reset", () => setTimeout(show));
  addEventListener("hashchange", open);
  addEventListener("keydown", key_pressed);
  show();
  open();
}
