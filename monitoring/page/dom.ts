/** The little of a framework that the page needs: making elements, and keeping lists in step with data. */

export type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;
const SVG = 'http://www.w3.org/2000/svg';

/** An HTML element with attributes and children. */
export function html<K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes: Attributes = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(name);
  set(element, attributes);
  element.append(...children);
  return element;
}

/** The same for SVG. */
export function svg<K extends keyof SVGElementTagNameMap>(
  name: K,
  attributes: Attributes = {},
  ...children: readonly (Node | string)[]
): SVGElementTagNameMap[K] {
  const element = document.createElementNS(SVG, name) as SVGElementTagNameMap[K];
  set(element, attributes);
  element.append(...children);
  return element;
}

/** Sets attributes that differ; undefined and false take one away. */
export function set(element: Element, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) element.removeAttribute(name);
    else {
      const text = value === true ? '' : String(value);
      if (element.getAttribute(name) !== text) element.setAttribute(name, text);
    }
  }
}

/** Changes text only where it differs, so that a selection and a screen reader are left alone. */
export function write(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** An element that must be there: the page's own HTML has it. */
export function find<E extends Element = HTMLElement>(selector: string, within: ParentNode = document): E {
  const element = within.querySelector<E>(selector);
  if (!element) throw new Error(`the page has no ${selector}`);
  return element;
}

/** Keeps the children of `parent` equal to `items`, by key: what stays is updated in place and keeps its focus. */
export class KeyedList<T, E extends Element> {
  readonly #parent: Element;
  readonly #create: (item: T) => E;
  readonly #update: (element: E, item: T) => void;
  readonly #elements = new Map<string, E>();

  constructor(parent: Element, create: (item: T) => E, update: (element: E, item: T) => void) {
    this.#parent = parent;
    this.#create = create;
    this.#update = update;
  }

  show(items: readonly (readonly [key: string, item: T])[]): void {
    const gone = new Set(this.#elements.keys());
    let place: Element | null = this.#parent.firstElementChild;
    for (const [key, item] of items) {
      gone.delete(key);
      let element = this.#elements.get(key);
      if (!element) {
        element = this.#create(item);
        this.#elements.set(key, element);
      }
      this.#update(element, item);
      if (element === place) place = place.nextElementSibling;
      else this.#parent.insertBefore(element, place);
    }
    for (const key of gone) {
      this.#elements.get(key)?.remove();
      this.#elements.delete(key);
    }
  }
}
