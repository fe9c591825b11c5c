/** The last extension with its dot; empty for none. A leading dot begins a name, not an extension: `.profile`. */
export function extensionOf(name: string): string {
  const dot = name.lastIndexOf('.')
  return dot <= 0 ? '' : name.slice(dot)
}

/** Stem and extension, which together are the name. */
export function splitName(name: string): [stem: string, extension: string] {
  const extension = extensionOf(name)
  return [name.slice(0, name.length - extension.length), extension]
}
