/** Reads results out to screen readers: what arrives together is said together. */

const GATHER_MS = 1200;
const MOST_AT_ONCE = 4;

export class Announcer {
  #region;
  #gathered = [];
  #timer = null;

  constructor(region) {
    this.#region = region;
  }

  /** Say a sentence soon. */
  say(sentence) {
    this.#gathered.push(sentence);
    this.#timer ??= setTimeout(() => this.#speak(), GATHER_MS);
  }

  #speak() {
    const sentences = this.#gathered.splice(0);
    this.#timer = null;
    const rest = sentences.length - MOST_AT_ONCE;
    const said = sentences.slice(0, MOST_AT_ONCE);
    if (rest > 0) said.push(`And ${rest} more.`);
    this.#region.textContent = said.join(" ");
  }
}
