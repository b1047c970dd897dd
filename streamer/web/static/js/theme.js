// Dark, light, or as the system has it.

const KEY = "qamoe-theme";
const CHOICES = { auto: "light dark", light: "light", dark: "dark" };

export function startTheme(button, changed) {
  let choice = remembered();

  function apply() {
    document.documentElement.style.colorScheme = CHOICES[choice];
    button.textContent = `Theme: ${choice}`;
    changed();
  }

  button.addEventListener("click", () => {
    const names = Object.keys(CHOICES);
    choice = names[(names.indexOf(choice) + 1) % names.length];
    localStorage.setItem(KEY, choice);
    apply();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);
  apply();
}

function remembered() {
  const kept = localStorage.getItem(KEY);
  return kept in CHOICES ? kept : "auto";
}
