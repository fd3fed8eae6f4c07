// What a cell or a point has to say is shown when it is touched or pointed at.
const hint = document.getElementById("hint");
function wordsOf(target) {
  const cell = target.closest("[data-hint]");
  if (cell) return cell.dataset.hint;
  const title = target.closest("circle")?.querySelector("title");
  return title ? title.textContent : "";
}
for (const kind of ["pointerover", "click"]) {
  document.addEventListener(kind, (event) => {
    const words = event.target instanceof Element ? wordsOf(event.target) : "";
    hint.textContent = words;
    hint.style.display = words ? "block" : "none";
  });
}
