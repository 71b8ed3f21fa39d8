/** A command's words; strings are bytes (latin1). */
export type Words = readonly (string | number | Buffer)[];

/** A command as a RESP array of bulk strings. */
export function encodeCommand(words: Words): Buffer;

/** The same as text, one character a byte. */
export function commandText(...words: Words): string;
