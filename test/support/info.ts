/** Whoever sends commands: ioredis and RawClient do. */
export interface Asking {
  call(command: string, ...args: string[]): Promise<unknown>;
}

/** The fields of these sections of INFO by their names. */
export async function infoFields(client: Asking, ...sections: string[]): Promise<Map<string, string>> {
  const lines = String(await client.call('INFO', ...sections)).split('\r\n');
  const fields = lines.filter((line) => line.includes(':'));
  return new Map(fields.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]));
}

/** A field of INFO; empty if there is none by this name. */
export async function infoField(client: Asking, name: string): Promise<string> {
  return (await infoFields(client, 'everything')).get(name) ?? '';
}

/** A field of INFO that is a number; NaN if there is none by this name. */
export async function infoNumber(client: Asking, name: string): Promise<number> {
  return Number((await infoFields(client, 'everything')).get(name));
}
