/** Pieces of bird.conf from snippets/NAME.txt, each behind a line `### NAME`. */
import { readFileSync } from 'node:fs';

/** Name and text of each piece of a file. */
export function snippets(file: 'accepted' | 'newer' | 'bird1'): [name: string, text: string][] {
  const path = new URL(`./snippets/${file}.txt`, import.meta.url).pathname.replace('/dist/', '/');
  const [, ...pieces] = readFileSync(path, 'utf8').split(/^### /m);
  return pieces.map((piece) => {
    const end = piece.indexOf('\n');
    return [piece.slice(0, end), piece.slice(end + 1)];
  });
}
