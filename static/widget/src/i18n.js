/** Words, dates and writing direction of the visitor's language. */

const SPOKEN = LANGUAGES; // their words lie beside the bundle, as tools/widget.mjs has named and ordered them
const KEYS = NAMES.split(",");
const loaded = {};

/** The first that we speak of `wishes`, the page's language and the browser's, else English; English also when its words
 * cannot be had. Throws when not even those can be had. */
export async function speak(...wishes) {
  const wanted = [...wishes, document.documentElement.lang, navigator.language];
  const locale = wanted.filter(Boolean).find((wish) => SPOKEN.includes(base(wish))) ?? "en";
  for (const one of [locale, "en"]) {
    const words = await wordsOf(base(one));
    if (words) return new Language(one, words);
  }
  throw new Error("no words");
}

/** What could not be had is asked for again the next time. */
async function wordsOf(language) {
  loaded[language] ??= fetch(new URL(`${language}-${STAMP}.json`, import.meta.url), { credentials: "omit" })
    .then((answer) => answer.ok && answer.json())
    .catch(() => null);
  const words = await loaded[language];
  if (!words) delete loaded[language];
  return words;
}

const base = (locale) => locale.toLowerCase().split(/[-_]/)[0];

class Language {
  #words;
  #clock;
  #date;
  #days;

  constructor(locale, words) {
    this.locale = locale.replace("_", "-");
    this.direction = base(locale) === "ar" ? "rtl" : "ltr";
    this.#words = words;
    this.#clock = new Intl.DateTimeFormat(this.locale, { hour: "numeric", minute: "2-digit" });
    this.#date = new Intl.DateTimeFormat(this.locale, { weekday: "long", day: "numeric", month: "long" });
    this.#days = new Intl.RelativeTimeFormat(this.locale, { numeric: "auto" });
    this.t = this.t.bind(this);
  }

  /** The words for `key`, with {name} filled from `values`. Ours are in the order of our keys; of another release, which the
   * server has by now, they come by their keys, and may lack one. */
  t(key, values = {}) {
    return (this.#words[KEYS.indexOf(key)] ?? this.#words[key] ?? "").replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
  }

  time(date) {
    return this.#clock.format(date);
  }

  /** "today", "yesterday", "tomorrow" or the date. */
  day(date) {
    const midnight = (moment) => new Date(moment).setHours(0, 0, 0, 0);
    const age = Math.round((midnight(Date.now()) - midnight(date)) / 86_400_000);
    const words = Math.abs(age) < 2 ? this.#days.format(-age, "day") : this.#date.format(date);
    return words.charAt(0).toLocaleUpperCase(this.locale) + words.slice(1);
  }

  number(value, options) {
    return new Intl.NumberFormat(this.locale, options).format(value);
  }
}
