import { playersText, sizeText } from './format.js';

/** @param {string} id */
export function element(id) {
  const found = document.getElementById(id);
  if (found === null) {
    throw new Error(`the page has no element ${id}`);
  }
  return found;
}

/** Writes text only when it differs: screen readers and selections stay undisturbed. */
export function setText(target, text) {
  if (target.textContent !== text) {
    target.textContent = text;
  }
}

/** The list of live streams; rows keep their place in the page, so the keyboard's focus survives updates. */
export class StreamList {
  #rows = new Map();
  #onChoose;

  /** @param {(stream: object) => void} onChoose */
  constructor(onChoose) {
    this.#onChoose = onChoose;
  }

  /**
   * @param {object[]} streams
   * @param {string | undefined} chosenKey
   * @param {boolean} more - there are others, and it is not known how many
   */
  show(streams, chosenKey, more) {
    const list = element('list');
    const keys = new Set(streams.map((stream) => stream.key));
    for (const [key, row] of this.#rows) {
      if (!keys.has(key)) {
        row.item.remove();
        this.#rows.delete(key);
      }
    }
    for (const stream of streams) {
      const row = this.#rows.get(stream.key) ?? this.#addRow(list, stream.key);
      row.stream = stream;
      setText(row.name, stream.name);
      setText(row.place, stream.vhost === '' ? stream.app : `${stream.app} · ${stream.vhost}`);
      setText(row.size, stream.video === null ? 'audio only' : sizeText(stream.video));
      setText(row.players, playersText(stream.players));
      if (stream.key === chosenKey) {
        row.button.setAttribute('aria-current', 'true');
      } else {
        row.button.removeAttribute('aria-current');
      }
    }
    setText(element('count'), `${streams.length}${more ? '+' : ''}`);
    setText(element('more'), 'There are more: search for a longer part of the name.');
    element('more').hidden = !more;
    element('none').hidden = streams.length > 0;
    list.hidden = streams.length === 0;
  }

  #addRow(list, key) {
    const item = element('stream-template').content.firstElementChild.cloneNode(true);
    const row = {
      item,
      stream: undefined,
      button: item.querySelector('.stream'),
      name: item.querySelector('.stream-name'),
      place: item.querySelector('.stream-place'),
      size: item.querySelector('.stream-size'),
      players: item.querySelector('.stream-players'),
    };
    row.button.addEventListener('click', () => this.#onChoose(row.stream));
    this.#rows.set(key, row);
    list.append(item);
    return row;
  }
}

/**
 * Fills a box with values to copy.
 *
 * @param {HTMLElement} box
 * @param {{label: string, value: string}[]} values
 */
export function showCopies(box, values) {
  if (box.dataset.values === JSON.stringify(values)) {
    return;
  }
  box.dataset.values = JSON.stringify(values);
  box.replaceChildren(
    ...values.map(({ label, value }) => {
      const copy = element('copy-template').content.firstElementChild.cloneNode(true);
      const button = copy.querySelector('.copy-button');
      const code = copy.querySelector('.copy-value');
      copy.querySelector('.copy-label').textContent = label;
      // Long addresses break behind a slash.
      code.append(...value.split(/(?<=[^/:]\/)/).flatMap((part) => [part, document.createElement('wbr')]));
      code.setAttribute('aria-label', `${label}: ${value}`);
      button.setAttribute('aria-label', `Copy: ${label}`);
      button.addEventListener('click', async () => {
        const copied = await copyText(value, code);
        setText(element('announce'), copied ? `${label} copied` : 'Press Ctrl+C to copy');
        button.classList.toggle('done', copied);
        setTimeout(() => {
          button.classList.remove('done');
          setText(element('announce'), '');
        }, 1600);
      });
      return copy;
    }),
  );
}

async function copyText(text, code) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // The clipboard API needs HTTPS or localhost; a selection can be copied anywhere.
    getSelection()?.selectAllChildren(code);
    return document.execCommand('copy');
  }
}
