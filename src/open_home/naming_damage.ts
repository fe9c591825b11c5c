import { asDamaged } from '../database/sqlite.ts'

/** SQLite says of a damaged file that it is, and not which: whoever asks the catalog or a ledger is told that too. */
export function namingDamage<Part extends object>(file: string, part: Part): Part {
  const named = (error: unknown): unknown => asDamaged(error, file) ?? error
  return new Proxy(part, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key)
      if (typeof value === 'object' && value !== null) return namingDamage(file, value)
      if (typeof value !== 'function') return value
      return (...args: unknown[]): unknown => {
        try {
          const result: unknown = Reflect.apply(value, target, args)
          return result instanceof Promise
            ? result.catch((error: unknown) => {
                throw named(error)
              })
            : result
        } catch (error) {
          throw named(error)
        }
      }
    },
  })
}
