/** @typedef {import('./client.mjs').RawClient} RawClient */

/**
 * A field of INFO that is a number.
 *
 * @param {string} info INFO's reply
 * @param {string} name
 * @throws {Error} when the reply has no such number
 */
export function infoNumber(info, name) {
  const value = Number(new RegExp(`^${name}:(.*)$`, 'm').exec(info)?.[1]);
  if (Number.isNaN(value)) throw new Error(`INFO has no number ${name}`);
  return value;
}

/**
 * The same of a server, which is asked for one section alone: all of them would take it longer.
 *
 * @param {RawClient} client
 * @param {string} section
 * @param {string} name
 */
export async function readInfoNumber(client, section, name) {
  return infoNumber(String(await client.command('INFO', section)), name);
}

/** @param {RawClient} client @returns {Promise<number>} bytes */
export function usedMemory(client) {
  return readInfoNumber(client, 'memory', 'used_memory');
}
