import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * A package of the workspace in which the Nest CLI runs: `agentmq` itself has no use for it, and need not depend on it.
 * @param {string} name
 */
export const packageOfWorkspace = (name) => {
  const file = createRequire(join(process.cwd(), 'package.json')).resolve(name);
  return import(pathToFileURL(file).href);
};

/**
 * @param {import('@angular-devkit/schematics').Tree} tree
 * @param {string} file
 */
export const readJson = (tree, file) => (tree.exists(file) ? tree.readJson(file) : undefined);

/** @param {import('@angular-devkit/schematics').Tree} tree */
export const writeJson = (tree, file, content) => tree.overwrite(file, `${JSON.stringify(content, undefined, 2)}\n`);

/**
 * Where the agent goes: into the sources of a project that there is, or into a new app of a monorepo, which has no sources yet.
 * The Nest CLI passes the sources of the project that was chosen, `src` if none was.
 * @param {import('@angular-devkit/schematics').Tree} tree
 */
export function findTarget(tree, { project, sourceRoot = 'src', name }) {
  const { monorepo = false, projects = {}, entryFile = 'main', ...config } = readJson(tree, 'nest-cli.json') ?? {};
  const named = Object.entries(projects).find(([key, { sourceRoot: root }]) =>
    project ? key === project : root === sourceRoot,
  );
  if (named) {
    const [, { sourceRoot: root = sourceRoot, entryFile: entry = entryFile, type = 'application' }] = named;
    return { sourceRoot: root, entryFile: type === 'application' ? entry : undefined };
  }
  if (monorepo) return { newApp: project ?? name };
  if (project) throw new Error(`nest-cli.json has no project "${project}", and is no monorepo that could get one`);
  return { sourceRoot: config.sourceRoot ?? sourceRoot, entryFile };
}

/**
 * Whether a source below one of the folders has the word.
 * @param {import('@angular-devkit/schematics').Tree} tree
 * @param {readonly string[]} folders
 * @param {RegExp} word
 */
export function mentions(tree, folders, word) {
  let found = false;
  for (const folder of folders)
    tree.getDir(folder).visit((file) => {
      if (/\.[cm]?ts$/.test(file)) found ||= word.test(tree.readText(file));
    });
  return found;
}

/**
 * Whether no app of the workspace assigns tasks yet.
 * @param {import('@angular-devkit/schematics').Tree} tree
 * @param {string} sourceRoot of the app that gets the agent
 */
export function lacksCoordinator(tree, sourceRoot) {
  const projects = Object.values(readJson(tree, 'nest-cli.json')?.projects ?? {});
  const folders = [sourceRoot, ...projects.map((project) => project.sourceRoot).filter(Boolean)];
  return !mentions(tree, folders, /\b(Coordinators|Consensus|Scaling)Module\b/);
}

/**
 * As the workspace's Prettier has it, if there is one.
 * @param {string} file
 * @param {string} text
 */
export async function formatted(file, text) {
  const { default: prettier } = await packageOfWorkspace('prettier').catch(() => ({}));
  if (!prettier) return text;
  const filepath = join(process.cwd(), file);
  return prettier.format(text, { ...(await prettier.resolveConfig(filepath)), filepath });
}
