import { expect, it } from '@jest/globals';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

const pages = ['.', '.github', 'docs'].flatMap((folder) =>
  readdirSync(folder, { recursive: folder !== '.', encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => join(folder, file)),
);
const proseOf = (page: string): string => readFileSync(page, 'utf8').replace(/^```.*?^```$/gms, '');

/** As GitHub makes them of headings. */
const anchorsOf = (page: string): string[] =>
  [...proseOf(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}_\- ]/gu, '')
      .replaceAll(' ', '-'),
  );

const leads = (page: string, link: string): boolean => {
  const [file = '', anchor] = link.split('#');
  const target = file === '' ? page : normalize(join(dirname(page), file));
  return (
    existsSync(target) && (anchor === undefined || (statSync(target).isFile() && anchorsOf(target).includes(anchor)))
  );
};

it('links of the pages, and names of pages in them, lead somewhere', () => {
  const broken = pages.flatMap((page) => {
    const prose = proseOf(page);
    const links = [...prose.matchAll(/\]\((?!https?:)([^)]+)\)/g)].map(([, link = '']) => link);
    const names = [...prose.matchAll(/\bdocs\/[\w/-]+\.md/g)].map(([name]) => name);
    return [...links.filter((link) => !leads(page, link)), ...names.filter((name) => !existsSync(name))].map(
      (link) => `${page}: ${link}`,
    );
  });
  expect(broken).toEqual([]);
});
