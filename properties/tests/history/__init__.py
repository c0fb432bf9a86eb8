"""Does the judge of histories judge well?"""
