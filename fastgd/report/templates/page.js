"use strict";

/* Tables: a click on a column's name sorts by that column, another click in the other direction. */
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => head.querySelector("button").addEventListener("click", () => {
    const down = head.getAttribute("aria-sort") === "ascending";
    heads.forEach(other => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const key = row => row.cells[column].dataset.value;
    const compare = (a, b) => key(a) === undefined
      ? a.cells[column].textContent.localeCompare(b.cells[column].textContent)
      : key(a) - key(b);
    const rows = [...table.tBodies[0].rows].sort((a, b) => down ? compare(b, a) : compare(a, b));
    table.tBodies[0].append(...rows);
  }));
}

/* Pictures: a mark at the pointer or finger, or near it, shows its tooltip. */
const tip = document.getElementById("tip");
const near = [[0, 0], [0, -4], [0, 4], [-4, 0], [4, 0]];
const hide = () => { tip.hidden = true; };
const show = event => {
  const found = near.map(([x, y]) => document.elementFromPoint(event.clientX + x, event.clientY + y)?.closest("[data-tip]"));
  const mark = event.target.closest("figure svg") && found.find(Boolean);
  if (!mark) return hide();
  if (tip.textContent !== mark.dataset.tip) tip.textContent = mark.dataset.tip;
  tip.hidden = false;
  const left = Math.min(event.clientX + 12, document.documentElement.clientWidth - tip.offsetWidth - 8);
  const below = event.clientY + 16 + tip.offsetHeight < innerHeight;
  tip.style.left = `${Math.max(left, 8)}px`;
  tip.style.top = `${event.clientY + (below ? 16 : -16 - tip.offsetHeight)}px`;
};
for (const kind of ["pointermove", "pointerdown"]) document.addEventListener(kind, show);
document.documentElement.addEventListener("mouseleave", hide);
document.addEventListener("scroll", hide, { capture: true, passive: true });
document.addEventListener("keydown", event => { if (event.key === "Escape") hide(); });

/* A notebook shows the page in a frame, in which the page's links would load the notebook. */
if (location.protocol === "about:") document.addEventListener("click", event => {
  const place = event.target.closest('a[href^="#"]')?.hash.slice(1);
  if (!place) return;
  event.preventDefault();
  document.getElementById(place).scrollIntoView();
});

/* The data as a file of its own, which needs this script. */
const link = document.getElementById("download-json");
if (link) {
  const text = document.getElementById("data").textContent;
  link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  link.parentElement.hidden = false;
}
