/** What we need of the optional package `fs-xattr`; its calls follow links, so they are given `/proc/<pid>/fd/<n>`. */
export interface Xattrs {
  listAttributesSync(path: string): string[]
  getAttributeSync(path: string, name: string): Buffer
  setAttributeSync(path: string, name: string, value: Buffer): void
  removeAttributeSync(path: string, name: string): void
}

let loaded: Promise<Xattrs | null> | undefined

/** Null when the package is not there or was not compiled for this system. */
export function loadXattrs(): Promise<Xattrs | null> {
  return (loaded ??= import('fs-xattr').then(
    (xattrs) => xattrs,
    () => null,
  ))
}
