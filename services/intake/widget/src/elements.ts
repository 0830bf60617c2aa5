/** Pieces of the page: elements, icons, text. Nothing that was said is ever markup. */

export const BUBBLE = "M4 4h16a2 2 0 0 1 2 2v10a2 2 0 0 1-2 2H9l-5 4v-4a2 2 0 0 1-2-2V6a2 2 0 0 1 2-2z";
export const CROSS = "M6 6l12 12M18 6L6 18";
const LINK = /https?:\/\/[^\s<>"']+[^\s<>"'.,;:!?)\]]/g;

export function element<K extends keyof HTMLElementTagNameMap>(
  name: K, className = "", ...children: Node[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

export function button(className: string, label: string, path: string): HTMLButtonElement {
  const made = element("button", className);
  made.type = "button";
  made.setAttribute("aria-label", label);
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
  line.setAttribute("d", path);
  for (const [name, value] of [["fill", "none"], ["stroke", "currentColor"], ["stroke-width", "2"], ["stroke-linecap", "round"], ["stroke-linejoin", "round"]] as const) {
    line.setAttribute(name, value);
  }
  svg.append(line);
  made.append(svg);
  return made;
}

/** Text with its web addresses to follow; never markup. */
export function linked(text: string, into: HTMLElement): void {
  let at = 0;
  for (const match of text.matchAll(LINK)) {
    into.append(text.slice(at, match.index));
    const link = element("a");
    link.href = match[0];
    link.target = "_blank";
    link.rel = "noopener noreferrer nofollow";
    link.textContent = match[0];
    into.append(link);
    at = match.index + match[0].length;
  }
  into.append(text.slice(at));
}
