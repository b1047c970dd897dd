// The page's colours as a canvas wants them.

const known = new Map();

/** The colour that a custom property stands for at the moment. */
export function colour(name) {
  if (!known.has(name)) known.set(name, resolved(`var(--${name})`));
  return known.get(name);
}

/** To be called when the theme has changed. */
export function forgetColours() {
  known.clear();
}

/** A browser resolves light-dark() in a property that takes a colour, and only there. */
function resolved(value) {
  const { style } = document.documentElement;
  style.outlineColor = value;
  const found = getComputedStyle(document.documentElement).outlineColor;
  style.outlineColor = "";
  return found;
}
