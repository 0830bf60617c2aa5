/** The accent that a site asks for, and what can be read on it. */

export function readableOn(red: number, green: number, blue: number): "#fff" | "#111" {
  const [r, g, b] = [red, green, blue].map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  const luminance = 0.2126 * r + 0.7152 * g + 0.0722 * b;
  return 1.05 / (luminance + 0.05) >= (luminance + 0.05) / 0.0556 ? "#fff" : "#111";
}

/** `#rgb` and `#rrggbb`; anything else is none. */
export function parseColour(text: string | undefined): [number, number, number] | undefined {
  const short = /^#([0-9a-f])([0-9a-f])([0-9a-f])$/i.exec(text ?? "");
  const hex = short ? `${short[1]}${short[1]}${short[2]}${short[2]}${short[3]}${short[3]}` : text?.slice(1);
  if (!hex || (!short && !/^#[0-9a-f]{6}$/i.test(text ?? ""))) return undefined;
  return [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16)) as [number, number, number];
}
