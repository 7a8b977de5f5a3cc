import { formatted, mentions, packageOfWorkspace } from './workspace.js';

/**
 * Imports the agent's module into the nearest module above, `AgentModule` unless the app has it, and `CoordinatorsModule` if the
 * app is to assign tasks; has the app's main start the agent. Tells what it can not do.
 * @param {import('@angular-devkit/schematics').Tree} tree
 * @param {import('@angular-devkit/schematics').SchematicContext} context
 */
export async function joinApp(tree, { logger }, { sourceRoot, entryFile, folder, name, className, isEsm, assigns }) {
  const { ModuleDeclarator, ModuleFinder } = await packageOfWorkspace('@nestjs/schematics');
  const module = new ModuleFinder(tree).find({ path: `/${folder}` });
  if (!module) {
    logger.warn(
      `there is no module above ${folder}: import ${className}Module and AgentModule.forRoot() where they belong`,
    );
    return;
  }
  const declarator = new ModuleDeclarator();
  let text = tree.readText(module);
  const add = (options) => (text = declarator.declare(text, { metadata: 'imports', module, isEsm, ...options }));
  add({ name, className: `${className}Module`, path: folder, type: 'module' });
  const addOurs = (ours, from, options) => {
    add({ className: ours, path: '', name: from, ...options });
    text = text.replace(new RegExp(`(import \\{ ${ours} \\} from )['"][^'"]+['"]`), `$1'${from}'`);
  };
  if (!mentions(tree, [sourceRoot], /\bAgentModule\b/)) {
    addOurs('AgentModule', 'agentmq', { staticOptions: { name: 'forRoot', value: {} } });
    text = text.replace(/forRoot\(\{\s*\}\)/, 'forRoot()');
  }
  if (assigns) addOurs('CoordinatorsModule', 'agentmq/coordination');
  await overwrite(tree, module, text);
  if (entryFile) await startIn(tree, logger, `${sourceRoot}/${entryFile}.ts`);
}

async function startIn(tree, logger, main) {
  const text = tree.exists(main) ? tree.readText(main) : '';
  if (/\b(startAgent|connectAgent|AgentServer)\b/.test(text)) return;
  const listening = /^([ \t]*)await (\w+)\.listen\(.*\);\n/m.exec(text);
  if (!listening) {
    logger.warn(`${main}: call connectAgent(app) before app.listen(), and await app.startAllMicroservices() after it`);
    return;
  }
  const [line, indent, app] = listening;
  const started = `${indent}connectAgent(${app});\n${line}${indent}await ${app}.startAllMicroservices();\n`;
  const imports = text.lastIndexOf('\nimport ') < 0 ? 0 : text.indexOf('\n', text.lastIndexOf('\nimport ') + 1) + 1;
  const head = `${text.slice(0, imports)}import { connectAgent } from 'agentmq';\n`;
  await overwrite(tree, main, head + text.slice(imports).replace(line, () => started));
}

/** A file that the app has formatted stays so; another one is left as it is but for what is added. */
async function overwrite(tree, file, text) {
  const before = tree.readText(file);
  const isFormatted = (await formatted(file, before)) === before;
  tree.overwrite(file, isFormatted ? await formatted(file, text) : text);
}
