/* What a keyboard and a screen reader need beyond the theme: stops in what scrolls sideways, and names of the toggles in the menu. */
function markScrolling() {
  for (const box of document.querySelectorAll(".formula, .picture")) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  }
}

addEventListener("load", markScrolling);
addEventListener("resize", markScrolling);
addEventListener("DOMContentLoaded", () => {
  for (const toggle of document.querySelectorAll("summary:has(> .toctree-toggle)")) {
    toggle.ariaLabel = `Pages of ${toggle.closest("li").querySelector("a").textContent}`;
  }
  for (const toggle of document.querySelectorAll("details.hide > summary")) toggle.removeAttribute("aria-label"); // it has words
});
