import type { WinkMethods } from 'wink-nlp';

/** What is heard in one text. */
export interface TextReading {
  /** From -1 to 1. */
  readonly sentiment: number;
  /** Lower-cased words that carry meaning: no stop words, numbers or punctuation. */
  readonly words: readonly string[];
}

/** Letters, two to fifty. */
const meaningful = /^\p{L}[\p{L}\p{M}'’-]{1,49}$/u;

/** How many characters one instance reads: wink-nlp remembers every word that it does not know, without bound. */
const RENEW_AFTER = 5_000_000;

let instance: Promise<WinkMethods> | undefined;
let read = 0;

/**
 * English, by wink-nlp: loaded at the first use (0.2 s, some 40 MB), shared by the process, and made anew for the first
 * analysis after {@link RENEW_AFTER}.
 */
export async function readText(): Promise<(text: string) => TextReading> {
  instance ??= load();
  const nlp = await instance.catch((error: unknown) => {
    instance = undefined;
    throw error;
  });
  const { its } = nlp;
  return (text) => {
    read += text.length;
    if (read > RENEW_AFTER) {
      instance = undefined;
      read = 0;
    }
    const doc = nlp.readDoc(text);
    const tokens = doc.tokens();
    const stops = tokens.out(its.stopWordFlag);
    const words = tokens.out(its.normal).filter((word, i) => !stops[i] && meaningful.test(word));
    return { sentiment: doc.out(its.sentiment) as unknown as number, words };
  };
}

async function load(): Promise<WinkMethods> {
  const [wink, model] = await Promise.all([import('wink-nlp'), import('wink-eng-lite-web-model')]);
  return wink.default(model.default, ['sbd', 'negation', 'sentiment']);
}
