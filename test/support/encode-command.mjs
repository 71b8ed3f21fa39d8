// Commands as they are on the wire. The declarations beside it document it.

/** @typedef {import('./encode-command.d.mts').Words} Words */

/**
 * @param {Words} words
 * @returns {Buffer}
 */
export function encodeCommand(words) {
  const parts = [Buffer.from(`*${words.length}\r\n`, 'latin1')];
  for (const word of words) {
    const bytes = Buffer.isBuffer(word) ? word : Buffer.from(String(word), 'latin1');
    parts.push(Buffer.from(`$${bytes.length}\r\n`, 'latin1'), bytes, Buffer.from('\r\n', 'latin1'));
  }
  return Buffer.concat(parts);
}

/**
 * @param {Words} words
 * @returns {string}
 */
export function commandText(...words) {
  return encodeCommand(words).toString('latin1');
}
