const form = /^(?!0000)\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;
const TO_MS = 'YYYY-MM-DDThh:mm:ss.sss'.length;

/** Whether a text is a time as the store writes those of its cursors, with microseconds. A 31st of February, which JavaScript takes, is none. */
export function isExactTime(text: string): boolean {
  const date = new Date(form.test(text) ? text : NaN);
  return !Number.isNaN(date.getTime()) && date.toISOString().slice(0, TO_MS) === text.slice(0, TO_MS);
}
