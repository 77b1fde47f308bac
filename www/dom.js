// The little that the page needs of the DOM: find by test id, build an element, fill one with text.

/** The element with this `data-testid`, in the page or under `root`. */
export const find = (id, root = document) => root.querySelector(`[data-testid="${id}"]`);

/** An element with attributes and children; `text` never becomes markup. */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    node.setAttribute(name === "testid" ? "data-testid" : name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== undefined && child !== null));
  return node;
}

/** Shows `text` in the element, or hides the element when there is none. */
export function tell(node, text) {
  node.textContent = text ?? "";
  node.hidden = !text;
}

/** Says something to people who listen to the page. */
export function announce(text) {
  find("status").textContent = text;
}
