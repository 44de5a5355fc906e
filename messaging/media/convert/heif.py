"""Run as a script: ``heif.py <from> <to> <pixels at most> <longer side at most>``: a HEIC photo as an upright JPEG.

Its limits are those of the child that runs it. Ends with an error where there is nothing to be made.
"""

import sys


def main() -> None:
    import pillow_heif
    from PIL import Image, ImageOps

    source, target, most_pixels, side = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    pillow_heif.register_heif_opener(thumbnails=False)
    with Image.open(source, formats=("HEIF",)) as image:
        if image.width * image.height > most_pixels:
            raise SystemExit("too many pixels")
        image.load()
        shown = ImageOps.exif_transpose(image).convert("RGB")
    if side:
        shown.thumbnail((side, side))
    shown.info.clear()  # else EXIF would come along, which holds where a photo was taken
    shown.save(target, "JPEG", quality=88)


if __name__ == "__main__":
    main()
