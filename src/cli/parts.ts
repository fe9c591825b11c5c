import type { Finding } from '../open_home/examine.ts'
import type { OpenHome } from '../open_home/open_home.ts'
import type { ServeOptions, Stevedore } from '../runtime/stevedore.ts'
import type { Terminal } from './terminal.ts'

/** What commands work with; tests give their own. */
export interface CliParts {
  terminal: Terminal
  /** How to type us: `stevedore`, `npx stevedore`. */
  typed: string
  version: string
  /** @param make whether one is made where there is none; who only looks gets no empty one for a mistyped name */
  openHome(path: string | undefined, options: { make: boolean }): Promise<OpenHome>
  /** Looks at a home that may not open any more. @param repair nobody may serve it meanwhile */
  checkUp(path: string | undefined, options: { repair: boolean }): AsyncIterable<Finding>
  serve(home: OpenHome, options: ServeOptions): Promise<Stevedore>
}

/** Options that every command takes. */
export interface CommonOptions {
  home?: string
  json?: boolean
}
