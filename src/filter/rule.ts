import type { Item } from '../connector/item.ts'

/** One compiled rule: whether it speaks of this item. `path` begins with `/` and ends with the item's name. */
export interface CompiledRule {
  type: string
  matches(item: Item, path: string): boolean
  /**
   * Whether something below this container could match although the container itself does not. Asked by include filters;
   * absent: yes, for rules that look at items only.
   */
  reaches?(path: string): boolean
  /**
   * Whether one of the containers above matches, as far as its name and path tell: an included folder brings its content.
   * Absent: the rule doesn't judge containers.
   */
  coveredBy?(path: string): boolean
  /** The rule in words, for the reason an item is left out. */
  readonly text: string
}
