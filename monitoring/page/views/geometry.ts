/** Places and paths of the picture: pure, in pixels. */

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** `count` cards above each other, centered in `height`. */
export function column(count: number, x: number, width: number, card: number, gap: number, height: number): Box[] {
  const used = count * card + (count - 1) * gap;
  const top = (height - used) / 2;
  return Array.from({ length: count }, (_, i) => ({ x, y: top + i * (card + gap), width, height: card }));
}

/** Middles of bands of these widths that lie on each other, centered on the box's edge. */
export function stack(box: Box, widths: readonly number[]): number[] {
  let at = box.y + box.height / 2 - widths.reduce((total, width) => total + width, 0) / 2;
  return widths.map((width) => {
    const middle = at + width / 2;
    at += width;
    return middle;
  });
}

/** A band from (x0, y0) to (x1, y1), level at both ends. */
export function ribbon(x0: number, y0: number, x1: number, y1: number, width: number): string {
  const half = width / 2;
  const bend = (x0 + x1) / 2;
  const p = (value: number): string => value.toFixed(1);
  return [
    `M${p(x0)} ${p(y0 - half)}`,
    `C${p(bend)} ${p(y0 - half)} ${p(bend)} ${p(y1 - half)} ${p(x1)} ${p(y1 - half)}`,
    `V${p(y1 + half)}`,
    `C${p(bend)} ${p(y1 + half)} ${p(bend)} ${p(y0 + half)} ${p(x0)} ${p(y0 + half)}Z`,
  ].join('');
}

/** The line in a band's middle. */
export function spine(x0: number, y0: number, x1: number, y1: number): string {
  const bend = ((x0 + x1) / 2).toFixed(1);
  return `M${x0.toFixed(1)} ${y0.toFixed(1)}C${bend} ${y0.toFixed(1)} ${bend} ${y1.toFixed(1)} ${x1.toFixed(1)} ${y1.toFixed(1)}`;
}
