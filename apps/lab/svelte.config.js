/** Components are TypeScript whose types are only left out. */
export default {
  compilerOptions: { runes: true },
};
