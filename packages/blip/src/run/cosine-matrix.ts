// Computes cosines between images and texts.
import { atLeast, missed } from "@blip-ts/base";
import { floatTensor, type Tensor } from "@blip-ts/graph";

/** Computes the dot product of every image-text pair of unit vectors, which is its cosine: [I, E], [B, E] -> [I, B]. */
export function cosineMatrix(images: Tensor<"float32">, texts: Tensor<"float32">): Tensor<"float32"> {
  const [rows, width] = atLeast(images.dims, 2);
  const [columns] = atLeast(texts.dims, 1);
  const data = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) {
      let sum = 0;
      for (let k = 0; k < width; k++)
        sum +=
          (images.data[row * width + k] ?? missed("number")) *
          (texts.data[column * width + k] ?? missed("number"));
      data[row * columns + column] = sum;
    }
  return floatTensor([rows, columns], data);
}
