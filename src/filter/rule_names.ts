import type { Settings } from '../job/settings.ts'

/** The rules of the source's filters as people count them, over all filters from 1: `filter rule 2 of the source (filter_path)`. */
export function ruleNames({ source }: Settings['filter']): string[] {
  return source
    .flatMap(({ rules }) => rules)
    .map(({ type }, index) => `filter rule ${index + 1} of the source (${type})`)
}
