import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, it } from 'vitest';

const SCRIPT = fileURLToPath(new URL('../../scripts/check-layers.mjs', import.meta.url));
const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function check(files: Record<string, string>): { status: number | null; problems: string[] } {
  const folder = mkdtempSync(join(tmpdir(), 'respite-layers-'));
  folders.push(folder);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  const { status, stderr } = spawnSync(process.execPath, [SCRIPT, folder], { encoding: 'utf8' });
  return { status, problems: stderr.split('\n').filter((line) => line !== '') };
}

it('accepts imports that point downwards or stay in their layer', () => {
  expect(
    check({
      'server/server.ts': "import {\n  lookup,\n} from '../keyspace/keyspace.js';\nimport './timers.js';",
      'server/timers.ts': "import { setTimeout } from 'node:timers';",
      'keyspace/keyspace.ts': "export * from '../bytes/bytes.js';",
      'bytes/bytes.ts': '',
    }),
  ).toEqual({ status: 0, problems: [] });
});

it('names file and line of an import that points upwards, also of types and of dynamic ones', () => {
  const { status, problems } = check({
    'bytes/bytes.ts': "import {\n  type Keyspace,\n} from '../keyspace/keyspace.js';",
    'keyspace/keyspace.ts': "const server = await import('../server/server.js');",
    'server/server.ts': '',
  });
  expect(status).toBe(1);
  expect(problems).toEqual([
    expect.stringContaining(
      "src/bytes/bytes.ts:3: imports src/keyspace/keyspace.ts, but 'keyspace' is above 'bytes'",
    ),
    expect.stringContaining(
      "src/keyspace/keyspace.ts:1: imports src/server/server.ts, but 'server' is above",
    ),
  ]);
});

it('keeps layers of one rank apart', () => {
  const { problems } = check({
    'protocol/reply.ts': "import { parse } from '../config/parse.js';",
    'config/parse.ts': '',
  });
  expect(problems).toEqual([expect.stringContaining("'protocol' and 'config' are beside each other")]);
});

it('reports a circle once, and none that only types make', () => {
  const { problems } = check({
    'bytes/a.ts': "import { b } from './b.js';",
    'bytes/b.ts': "import { c } from './c.js';\nimport type { A } from './a.js';",
    'bytes/c.ts': "import { a } from './a.js';",
    'memory/x.ts': "import { type Y, type Z as W } from './y.js';",
    'memory/y.ts': "import { x } from './x.js';",
  });
  expect(problems).toEqual(['circle: src/bytes/a.ts -> src/bytes/b.ts -> src/bytes/c.ts -> src/bytes/a.ts']);
});

it('asks for a rank where a layer has none', () => {
  const { status, problems } = check({ 'nowhere/file.ts': '' });
  expect(status).toBe(1);
  expect(problems).toEqual([expect.stringContaining("the layer 'nowhere' has no rank")]);
});
