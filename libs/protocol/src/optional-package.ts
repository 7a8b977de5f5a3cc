import { AgentMQError } from './errors.js';

/** What was asked for needs a package that the app has not installed. */
export class PackageMissingError extends AgentMQError {
  readonly code = 'PACKAGE_MISSING';

  /** `purpose` is what needs it: a setting, most often. */
  constructor(
    readonly packageName: string,
    readonly purpose: string,
    options?: ErrorOptions,
  ) {
    super(`${purpose} needs the package ${packageName}: npm install ${packageName}`, options);
  }
}

/**
 * Loads a package that does not come along with AgentMQ. Rejects with {@link PackageMissingError} when it is not there,
 * and as `load` does when it can't be loaded for another reason.
 */
export async function optionalPackage<T>(packageName: string, purpose: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    if (isMissing(error, packageName)) throw new PackageMissingError(packageName, purpose, { cause: error });
    throw error;
  }
}

/** A package that is there may lack one of its own. */
function isMissing(error: unknown, packageName: string): boolean {
  const { code, message } = error as NodeJS.ErrnoException;
  const notFound = code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND';
  return notFound && new RegExp(`'${packageName}['/]`).test(message);
}
