// No comment is wider than MAX_COLUMNS: the formatter breaks lines of code, and leaves comments as they are.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MAX_COLUMNS = 120;
const FOLDERS = ['src', 'bench', 'scripts', 'test'];
/** A line within a comment, or one of code with a comment behind it. */
const COMMENT = /^\s*(?:\/\/|\/\*|\*)|\s\/\/ /;

const root = fileURLToPath(new URL('..', import.meta.url));
const files = FOLDERS.flatMap(sourceFiles);
const problems = files.flatMap(wideComments);
for (const problem of problems) console.error(problem);
console.log(`${files.length} files, ${problems.length} comments of more than ${MAX_COLUMNS} columns`);
if (problems.length > 0) process.exitCode = 1;

/** @param {string} folder @returns {string[]} paths below the root */
function sourceFiles(folder) {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.[cm]?[jt]s$/.test(file))
    .sort()
    .map((file) => join(folder, file));
}

/** @param {string} file */
function wideComments(file) {
  const lines = readFileSync(join(root, file), 'utf8').split('\n');
  return lines.flatMap((line, index) =>
    line.length > MAX_COLUMNS && COMMENT.test(line) ? [`${file}:${index + 1}: ${line.length} columns`] : [],
  );
}
