// Elements from code; text is always text, so that nothing on the feed becomes markup.

/** An element with attributes and children, which are elements or strings. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** Sets the text where it has changed, so that nothing is drawn or read out twice. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
