import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const repository = join(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(join(repository, file), 'utf8');

it('what the image is built from has all that the build runs', () => {
  const { build } = JSON.parse(read('package.json')).scripts as { build: string };
  const files = build.match(/[\w./-]+\.(mjs|json)/g);
  expect(files).toContain('scripts/bundle.mjs');
  const allowed = read('.dockerignore').split('\n');
  for (const file of files!) expect(allowed).toContain(`!${file}`);
});
