// Writes redis.conf.example and docs/CONFIGURATION.md, from the directive table of the built server.
//   node scripts/conf-example.mjs            renews both files
//   node scripts/conf-example.mjs --check    exits 1 if one of them is not current
import { readFileSync, writeFileSync } from 'node:fs';
import { configurationPage, exampleConfiguration } from '../dist/config/example.js';

const files = [
  ['redis.conf.example', exampleConfiguration()],
  ['docs/CONFIGURATION.md', configurationPage()],
];

for (const [name, text] of files) {
  const path = new URL(`../${name}`, import.meta.url);
  if (!process.argv.includes('--check')) {
    writeFileSync(path, text);
  } else if (present(path) !== text) {
    console.error(`${name} is not current; run npm run conf:example`);
    process.exitCode = 1;
  }
}

// Windows may check files out with other line ends.
function present(path) {
  try {
    return readFileSync(path, 'utf8').replaceAll('\r\n', '\n');
  } catch {
    return undefined;
  }
}
