import ts from "typescript-6";

/** @typedef {Record<string, unknown>} Schema */

/** The types that an analysis can have. */
const KINDS = ["Analysis", "OutlineAnalysis", "FilesAnalysis"];

/** No type of a result goes deeper; one that does is no plain data. */
const MAX_DEPTH = 40;

/**
 * The JSON Schema (2020-12) of the result of each analysis that files export: constants of the type
 * `Analysis<P, R>`, `OutlineAnalysis<P, R>` or `FilesAnalysis<P, R, D>`, or functions that make one; and of results that
 * are of no single analysis; by the kind of the result.
 *
 * @param {readonly string[]} files
 * @param {readonly { readonly file: string; readonly type: string }[]} [others]
 * @returns {Map<string, Schema>}
 */
export function resultSchemas(files, others = []) {
  const program = ts.createProgram([...files, ...others.map(({ file }) => file)], {
    target: ts.ScriptTarget.ES2023,
    lib: ["lib.es2023.d.ts", "lib.es2024.string.d.ts", "lib.dom.d.ts", "lib.dom.iterable.d.ts"],
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    customConditions: ["@resolvent/source"],
    allowImportingTsExtensions: true,
    noEmit: true,
    strict: true,
    exactOptionalPropertyTypes: true,
    types: ["node"],
  });
  const checker = program.getTypeChecker();
  /** @type {Map<string, Schema>} */
  const found = new Map();
  for (const file of files) {
    const source = program.getSourceFile(file);
    const module = source && checker.getSymbolAtLocation(source);
    if (source === undefined || module === undefined) continue;
    for (const symbol of checker.getExportsOfModule(module)) {
      const own = checker.getTypeOfSymbolAtLocation(symbol, source);
      const type = own.getCallSignatures()[0]?.getReturnType() ?? own;
      const name = (type.aliasSymbol ?? type.symbol)?.name;
      if (name === undefined || !KINDS.includes(name)) continue;
      const [, ...results] = checker.getTypeArguments(/** @type {ts.TypeReference} */ (type));
      if (results.length === 0) throw new Error(`${file}: ${symbol.name} has no result`);
      // One that gives results of several kinds has a schema of each.
      for (const result of results.flatMap((one) => (one.isUnion() ? one.types : [one]))) {
        const [kind, schema] = schemaOf(checker, source, result);
        found.set(kind, schema);
      }
    }
  }
  for (const { file, type } of others) {
    const source = program.getSourceFile(file);
    const module = source && checker.getSymbolAtLocation(source);
    const symbol = module && checker.getExportsOfModule(module).find(({ name }) => name === type);
    if (source === undefined || symbol === undefined) throw new Error(`${file} has no ${type}`);
    const [kind, schema] = schemaOf(checker, source, checker.getDeclaredTypeOfSymbol(symbol));
    found.set(kind, schema);
  }
  return found;
}

/**
 * @param {ts.TypeChecker} checker
 * @param {ts.SourceFile} at
 * @param {ts.Type} result
 * @returns {[kind: string, schema: Schema]}
 */
function schemaOf(checker, at, result) {
  /** @type {Record<string, Schema>} */
  const $defs = {};
  /** @type {Map<string, ts.Type>} */
  const told = new Map(); // once, and referred to
  const root = object(result, 0);
  const { kind } = /** @type {Record<string, { const?: string }>} */ (root.properties);
  if (kind?.const === undefined) throw new Error(`${result.symbol.name} has no kind of its own`);
  const schema = {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: kind.const,
    ...root,
    ...(Object.keys($defs).length > 0 && { $defs }),
  };
  return [kind.const, schema];

  /**
   * @param {ts.Type} type
   * @param {number} depth
   * @returns {Schema}
   */
  function of(type, depth) {
    if (depth > MAX_DEPTH) throw new Error(`${checker.typeToString(type)} goes too deep`);
    const { flags } = type;
    if (flags & ts.TypeFlags.StringLiteral) return { const: literal(type) };
    if (flags & ts.TypeFlags.NumberLiteral) return { const: literal(type) };
    if (flags & ts.TypeFlags.BooleanLiteral)
      return { const: checker.typeToString(type) === "true" };
    if (flags & ts.TypeFlags.Boolean) return { type: "boolean" };
    if (flags & ts.TypeFlags.StringLike) return { type: "string" };
    if (flags & ts.TypeFlags.NumberLike) return { type: "number" };
    if (flags & ts.TypeFlags.Null) return { type: "null" };
    if (flags & ts.TypeFlags.Unknown) return {};
    if (type.isUnion()) return union(type.types, depth);
    if (checker.isTupleType(type)) {
      const parts = checker.getTypeArguments(/** @type {ts.TypeReference} */ (type));
      const prefixItems = parts.map((part) => of(part, depth + 1));
      return { type: "array", prefixItems, minItems: parts.length, maxItems: parts.length };
    }
    if (checker.isArrayType(type)) {
      const [item] = checker.getTypeArguments(/** @type {ts.TypeReference} */ (type));
      return { type: "array", items: item === undefined ? {} : of(item, depth + 1) };
    }
    if (flags & (ts.TypeFlags.Object | ts.TypeFlags.Intersection)) return named(type, depth);
    throw new Error(`${checker.typeToString(type)} has no JSON Schema`);
  }

  /**
   * @param {readonly ts.Type[]} types
   * @param {number} depth
   * @returns {Schema}
   */
  function union(types, depth) {
    const defined = types.filter(({ flags }) => !(flags & ts.TypeFlags.Undefined));
    const booleans = defined.filter(({ flags }) => flags & ts.TypeFlags.BooleanLiteral);
    const others = defined.filter((type) => booleans.length < 2 || !booleans.includes(type));
    /** @type {ts.Type[]} */
    const literals = others.filter((type) => type.isStringLiteral() || type.isNumberLiteral());
    const rest = others.filter((type) => !literals.includes(type));
    const all = [
      // The compiler has them in the order in which it met them, whoever else says them.
      ...(literals.length > 1
        ? [{ enum: literals.map(literal).sort() }]
        : literals.map((type) => of(type, depth))),
      ...(booleans.length > 1 ? [{ type: "boolean" }] : []),
      ...rest.map((type) => of(type, depth + 1)),
    ];
    return all.length === 1 && all[0] !== undefined ? all[0] : { anyOf: all };
  }

  /**
   * @param {ts.Type} type
   * @param {number} depth
   * @returns {Schema}
   */
  function named(type, depth) {
    const { symbol, aliasSymbol } = type;
    const own = aliasSymbol ?? symbol;
    const plain = own !== undefined && /^[A-Z]\w*$/.test(own.name) && !isGeneric(type);
    if (!plain) return object(type, depth);
    const other = told.get(own.name);
    if (other !== undefined && other !== type) throw new Error(`Two types are called ${own.name}`);
    if (other === undefined) {
      told.set(own.name, type);
      $defs[own.name] = {}; // it may refer to itself
      $defs[own.name] = object(type, depth);
    }
    return { $ref: `#/$defs/${own.name}` };
  }

  /** @param {ts.Type} type */
  function isGeneric(type) {
    const arguments_ =
      type.aliasTypeArguments ?? checker.getTypeArguments(/** @type {ts.TypeReference} */ (type));
    return arguments_ !== undefined && arguments_.length > 0;
  }

  /**
   * @param {ts.Type} type
   * @param {number} depth
   * @returns {Schema}
   */
  function object(type, depth) {
    /** @type {Record<string, Schema>} */
    const properties = {};
    const required = [];
    for (const property of checker.getPropertiesOfType(type)) {
      const value = checker.getTypeOfSymbolAtLocation(property, at);
      // JSON leaves out what is undefined.
      const mayMiss = value.isUnion() ? value.types : [value];
      const optional =
        (property.flags & ts.SymbolFlags.Optional) !== 0 ||
        mayMiss.some(({ flags }) => flags & ts.TypeFlags.Undefined);
      const description = ts.displayPartsToString(property.getDocumentationComment(checker));
      properties[property.name] = {
        ...(description !== "" && { description }),
        ...of(value, depth + 1),
      };
      if (!optional) required.push(property.name);
    }
    const index = checker.getIndexTypeOfType(type, ts.IndexKind.String);
    return {
      type: "object",
      ...(Object.keys(properties).length > 0 && { properties }),
      ...(required.length > 0 && { required }),
      ...(index !== undefined && { additionalProperties: of(index, depth + 1) }),
    };
  }

  /** @param {ts.Type} type */
  function literal(type) {
    return /** @type {ts.LiteralType} */ (type).value;
  }
}
