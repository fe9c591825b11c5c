import type { CompiledRule } from './rule.ts'

/** Files by extension, with or without a leading dot, without regard to case; `tar.gz` works too. */
export function filterExtension(extensions: readonly string[]): CompiledRule {
  const endings = extensions.map((extension) => `.${extension.replace(/^\*?\./, '').toLowerCase()}`)
  const simple = new Set(endings.filter((ending) => ending.lastIndexOf('.') === 0))
  const compound = endings.filter((ending) => ending.lastIndexOf('.') > 0)
  return {
    type: 'filter_extension',
    text: `extension is one of ${[...endings].join(' ')}`,
    matches: ({ kind, name }) => {
      if (kind === 'container') return false
      const dot = name.lastIndexOf('.')
      if (dot < 0) return false
      if (simple.has(name.slice(dot).toLowerCase())) return true
      return compound.length > 0 && compound.some((ending) => name.toLowerCase().endsWith(ending))
    },
  }
}
