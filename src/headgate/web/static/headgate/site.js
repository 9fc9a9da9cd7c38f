// What pages can do beyond HTML. Every page works without it.

const clipboardOf = (button) => document.getElementById(button.dataset.copy)?.textContent.trim() ?? "";

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) {
    await navigator.clipboard.writeText(clipboardOf(button));
    const before = button.textContent;
    button.textContent = button.dataset.copied;
    setTimeout(() => (button.textContent = before), 2000);
  }
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  }
  const isTyping = event.target.closest("input, textarea, select, [contenteditable]");
  if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey) {
    const search = document.querySelector("[data-search]");
    if (search) {
      event.preventDefault();
      search.focus();
    }
  }
});

// A choice that is sent at once has no button of its own; without scripts the button stays.
for (const form of document.querySelectorAll("form[data-at-once]")) {
  form.querySelector("button")?.setAttribute("hidden", "");
  form.addEventListener("change", () => form.requestSubmit());
}
for (const button of document.querySelectorAll("[data-copy]")) button.hidden = !navigator.clipboard;

// Where one is stays in sight, however long the way to it is.
document.querySelector(".side [aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });

// A table that grows at its head is cut at its foot.
document.addEventListener("htmx:afterSwap", (event) => {
  const rows = event.target.closest?.("[data-rows-max]");
  while (rows && rows.children.length > Number(rows.dataset.rowsMax)) rows.lastElementChild.remove();
});
