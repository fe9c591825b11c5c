import type { OpenHome } from '../open_home/open_home.ts'
import type { CliParts, CommonOptions } from './parts.ts'

/** Works in the home there is; with `make` also in a new one. */
export async function withHome<T>(
  { home: path, make = false }: CommonOptions & { make?: boolean },
  parts: CliParts,
  work: (home: OpenHome) => Promise<T>,
): Promise<T> {
  const home = await parts.openHome(path, { make })
  try {
    return await work(home)
  } finally {
    await home.close()
  }
}
