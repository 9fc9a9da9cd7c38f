// Parts of a schema come when they are opened. Without scripts each is a page of its own.

document.addEventListener(
  "toggle",
  async (event) => {
    const details = event.target;
    if (!details.open || !details.dataset.part) return;
    const address = details.dataset.part;
    delete details.dataset.part;
    const answer = await fetch(address, { headers: { "HX-Request": "true" } }).catch(() => null);
    if (!answer?.ok) {
      details.dataset.part = address; // the link inside still leads there
      return;
    }
    const summary = details.querySelector("summary");
    const part = document.createElement("div");
    part.innerHTML = await answer.text(); // made by our own templates, as the page was
    details.replaceChildren(summary, part);
  },
  true,
);
