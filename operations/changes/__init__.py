"""What a change of settings does to whom: computed from two plans of a platform, said in words.

``plan`` is the model, ``effects`` compares two plans, ``words`` has every sentence, ``preview`` reads both plans from
what Pulumi's engine announces. None of them changes anything.
"""
