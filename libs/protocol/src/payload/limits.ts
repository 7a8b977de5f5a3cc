/** How deep objects and arrays may nest in a payload. */
export const MAX_DEPTH = 200;

/** How many keys, objects and arrays a payload may have in all. */
export const MAX_PARTS = 500_000;

/** The most problems of a payload that are told; it is not looked at any further. */
export const MAX_VIOLATIONS = 20;

/** The longest field and message of a problem that is told, in characters. */
export const LONGEST_TEXT = 300;

export const tooDeep = `is nested more than ${MAX_DEPTH} deep`;
export const tooMany = `has more than ${MAX_PARTS} keys, objects and arrays`;
