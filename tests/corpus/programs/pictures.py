"""Make, read and turn a picture."""

import numpy as np
from PIL import Image

Image.fromarray(np.random.default_rng().integers(0, 255, (32, 48, 3), dtype=np.uint8)).save("noise.png")
turned = Image.open("noise.png").rotate(90, expand=True)
turned.save("turned.jpg", quality=80)
print(f"mean: {float(np.asarray(turned).mean())!r}")
