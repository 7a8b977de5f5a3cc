/** Calls back after so long, and not before the page is shown: a forgotten tab asks nothing. Returns what calls it off. */
export function later(ms: number, run: () => void): () => void {
  const ifShown = (): void => {
    if (document.visibilityState === 'hidden') return;
    document.removeEventListener('visibilitychange', ifShown);
    run();
  };
  const timer = setTimeout(() => {
    document.addEventListener('visibilitychange', ifShown);
    ifShown();
  }, ms);
  return () => {
    clearTimeout(timer);
    document.removeEventListener('visibilitychange', ifShown);
  };
}
