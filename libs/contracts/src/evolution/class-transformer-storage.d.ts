declare module 'class-transformer/cjs/storage.js' {
  /** What `@Type` and its like declared. class-transformer's index does not export it. */
  export { defaultMetadataStorage } from 'class-transformer/types/storage.js';
}
