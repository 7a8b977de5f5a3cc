/** What `@decorator` before a method does, in plain JavaScript. */
export function decorateMethod({ prototype }, method, decorator) {
  const descriptor = Object.getOwnPropertyDescriptor(prototype, method);
  Object.defineProperty(prototype, method, decorator(prototype, method, descriptor) ?? descriptor);
}

/** What `@decorators` before the parameters of a method do. */
export function decorateParameters({ prototype }, method, decorators) {
  for (const [index, decorator] of decorators.entries()) decorator(prototype, method, index);
}
