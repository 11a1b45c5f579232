export { decode, encode } from "./stored";
export {
  add,
  addDifference,
  addScaled,
  divided,
  elect,
  minus,
  near,
  onto,
  product,
  products,
  scaled,
  sizes,
  variance,
  zeros,
} from "./vectors";
export { between, byRank, count, gather, random, randomBy, uniform, where } from "./chosen";
